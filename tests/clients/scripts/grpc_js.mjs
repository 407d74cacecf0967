import { Client, credentials, status } from '@grpc/grpc-js';

const url = new URL(process.argv[2]);
const tls = url.protocol === 'https:';
const client = new Client(url.host, tls ? credentials.createSsl() : credentials.createInsecure());
const asIs = (message) => message;

const call = (method, message) =>
  new Promise((resolve, reject) => {
    const done = (error, answer) => (error ? reject(error) : resolve(answer));
    client.makeUnaryRequest(`/demo.Echo/${method}`, asIs, asIs, message, done);
  });

console.log(String(await call('Say', Buffer.from('there and back'))));
const counted = client.makeServerStreamRequest('/demo.Echo/Count', asIs, asIs, Buffer.from('x'));
const messages = [];
for await (const message of counted) messages.push(String(message));
console.log(...messages);
await call('Fail', Buffer.alloc(0)).catch(({ code, details }) => console.log(status[code], details));
client.close();
