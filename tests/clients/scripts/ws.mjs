import { once } from 'node:events';

import WebSocket from 'ws';

const socket = new WebSocket(process.argv[2].replace('http', 'ws') + '/ws');
await once(socket, 'open');
socket.send('there and back');
console.log(String((await once(socket, 'message'))[0]));
socket.send(Buffer.alloc(1_000_000));
console.log((await once(socket, 'message'))[0].length, 'bytes');
socket.ping();
await once(socket, 'pong');
console.log('pong true');
socket.close();
