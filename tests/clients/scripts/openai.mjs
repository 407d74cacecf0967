import OpenAI from 'openai';

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: 'the-service-checks-this' });
const messages = [{ role: 'user', content: 'Who are you?' }];
const parts = await client.chat.completions.create({ model: 'pretend', messages, stream: true });
const words = [];
for await (const part of parts) words.push(part.choices[0].delta.content);
console.log(...words);
