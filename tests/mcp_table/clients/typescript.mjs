// Drives the TypeScript SDK: argv[2] is the package, `sdk` or `client`.
import { createInterface } from 'node:readline';

const [, , which, kind] = process.argv;
let words = [];

async function load() {
  if (which === 'client') {
    const main = await import('@modelcontextprotocol/client');
    const stdio = await import('@modelcontextprotocol/client/stdio');
    return { ...main, ...stdio };
  }
  const parts = ['index', 'streamableHttp', 'sse', 'stdio'];
  return Object.assign({}, ...(await Promise.all(parts.map(
    (part) => import(`@modelcontextprotocol/sdk/client/${part}.js`)))));
}

const sdk = await load();

function transport() {
  if (kind === 'stdio') {
    return new sdk.StdioClientTransport({ command: words[0], args: words.slice(1), env: process.env });
  }
  const url = new URL(words[0]);
  return kind === 'sse' ? new sdk.SSEClientTransport(url) : new sdk.StreamableHTTPClientTransport(url);
}

let client;

async function connect() {
  client = new sdk.Client({ name: 'table', version: '1' }, { capabilities: {} });
  client.onerror = () => {};
  await client.connect(transport());
  return 'connected';
}

async function call() {
  const result = await client.callTool({ name: 'echo', arguments: { text: 'hello' } });
  const text = result.content.map((part) => part.text ?? '').join('');
  if (result.isError) throw new Error(text);
  return text;
}

const deeds = { connect, call, close: async () => { await client.close(); return 'closed'; } };
process.on('uncaughtException', () => {});
process.on('unhandledRejection', () => {});
console.log(JSON.stringify({ ok: true, text: 'ready' }));
for await (const line of createInterface({ input: process.stdin })) {
  let said;
  const [what, ...rest] = line.split(' ');
  if (what === 'connect') words = rest;
  try {
    said = { ok: true, text: await deeds[what]() };
  } catch (error) {
    said = { ok: false, text: String(error?.message ?? error) };
  }
  console.log(JSON.stringify(said));
}
process.exit(0);
