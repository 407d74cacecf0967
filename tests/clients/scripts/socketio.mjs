import { io } from 'socket.io-client';

for (const transport of ['polling', 'websocket']) {
  const options = { transports: [transport], reconnection: false, forceNew: true };
  const socket = io(process.argv[2], options);
  const welcome = await new Promise((resolve, reject) => {
    socket.on('welcome', resolve);
    socket.on('connect_error', reject);
  });
  console.log(welcome, await socket.emitWithAck('say', 'there and back'));
  const sent = new Promise((resolve) => socket.on('sent', resolve));
  socket.emit('send', Buffer.from('123'));
  console.log('sent', String(await sent), 'by', transport);
  socket.close();
}
process.exit(); // without waiting for the last answer to its polling
