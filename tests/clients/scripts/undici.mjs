import { Pool, WebSocket } from 'undici';

const url = process.argv[2];
const pool = new Pool(url);

const answer = await pool.request({ method: 'GET', path: '/whoami' });
if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${await answer.body.text()}`);
console.log('whoami', answer.statusCode);
await answer.body.dump();

async function* parts() {
  for (let i = 0; i < 30; i++) yield new Uint8Array(100_000);
}
const upload = await pool.request({ method: 'POST', path: '/upload', body: parts() });
console.log('uploaded', (await upload.body.json()).bytes);

let text = '';
const clock = await pool.request({ method: 'GET', path: '/clock?every=0.1&count=2' });
for await (const part of clock.body) text += part;
console.log('streamed', ...text.match(/id: \d/g));
await pool.close();

const socket = new WebSocket(url.replace('http', 'ws') + '/ws');
await new Promise((resolve, reject) => {
  socket.onerror = reject;
  socket.onopen = () => socket.send('there and back');
  socket.onmessage = ({ data }) => resolve(console.log('WebSocket', data));
});
socket.close();
