const url = process.argv[2];

const answer = await fetch(`${url}/whoami`);
if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
console.log('whoami', answer.status);

const parts = new ReadableStream({
  start(controller) {
    for (let i = 0; i < 30; i++) controller.enqueue(new Uint8Array(100_000));
    controller.close();
  },
});
const upload = await fetch(`${url}/upload`, { method: 'POST', body: parts, duplex: 'half' });
console.log('uploaded', (await upload.json()).bytes);

let text = '';
const clock = await fetch(`${url}/clock?every=0.1&count=2`);
for await (const part of clock.body.pipeThrough(new TextDecoderStream())) text += part;
console.log('streamed', ...text.match(/id: \d/g));

console.log('redirected', (await fetch(`${url}/redirect?absolute=1`)).status);
