import { Readable } from 'node:stream';

import axios from 'axios';

const client = axios.create({ baseURL: process.argv[2] });

console.log('whoami', (await client.get('/whoami')).status);

const parts = Readable.from(Array.from({ length: 30 }, () => Buffer.alloc(100_000)));
console.log('uploaded', (await client.post('/upload', parts)).data.bytes);

let text = '';
const clock = await client.get('/clock?every=0.1&count=2', { responseType: 'stream' });
for await (const part of clock.data) text += part;
console.log('streamed', ...text.match(/id: \d/g));

console.log('redirected', (await client.get('/redirect?absolute=1')).status);
