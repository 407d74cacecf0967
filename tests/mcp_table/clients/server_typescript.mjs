// An MCP server on the TypeScript SDK. argv: `sdk` or `server`, `http` or `sse`, the port.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const [, , which, kind, port] = process.argv;
const { z } = await import('zod');

async function load() {
  if (which === 'server') return import('@modelcontextprotocol/server');
  const parts = ['mcp', 'streamableHttp', 'sse'];
  return Object.assign({}, ...(await Promise.all(parts.map(
    (part) => import(`@modelcontextprotocol/sdk/server/${part}.js`)))));
}

const sdk = await load();

function makeServer() {
  const server = new sdk.McpServer({ name: 'table', version: '1' });
  const answer = async ({ text }) => ({ content: [{ type: 'text', text }] });
  const inputSchema = which === 'server' ? z.object({ text: z.string() }) : { text: z.string() };
  server.registerTool('echo', { description: 'Say it again.', inputSchema }, answer);
  return server;
}

const sessions = new Map();

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length ? JSON.parse(Buffer.concat(parts).toString()) : undefined;
}

async function byHttp(request, response) {
  const id = request.headers['mcp-session-id'];
  const message = request.method === 'POST' ? await body(request) : undefined;
  let transport = sessions.get(id);
  if (transport === undefined && message?.method === 'initialize') {
    transport = new sdk.StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (made) => sessions.set(made, transport),
    });
    await makeServer().connect(transport);
  }
  if (transport === undefined) {
    const error = { code: -32000, message: 'Bad Request: No valid session ID provided' };
    response.writeHead(400, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', error, id: null }));
    return;
  }
  await transport.handleRequest(request, response, message);
}

async function bySse(request, response) {
  const url = new URL(request.url, 'http://localhost');
  if (request.method === 'GET') {
    const transport = new sdk.SSEServerTransport('/messages', response);
    sessions.set(transport.sessionId, transport);
    await makeServer().connect(transport);
    return;
  }
  const transport = sessions.get(url.searchParams.get('sessionId'));
  if (transport === undefined) {
    response.writeHead(404).end('no session');
    return;
  }
  await transport.handlePostMessage(request, response, await body(request));
}

// The later SDK speaks the fetch API: a handler of requests of both generations.
const handler = which === 'server' ? sdk.createMcpHandler(() => makeServer()) : undefined;

async function byFetch(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const hasBody = !['GET', 'HEAD'].includes(request.method);
  const answer = await handler.fetch(new Request(`http://localhost${request.url}`, {
    method: request.method, headers: request.headers, body: hasBody ? Buffer.concat(parts) : undefined,
  }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body) for await (const part of answer.body) response.write(part);
  response.end();
}

const answer = which === 'server' ? byFetch : kind === 'sse' ? bySse : byHttp;
createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
}).listen(Number(port), '127.0.0.1');
