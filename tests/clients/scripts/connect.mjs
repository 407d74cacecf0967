import { create, createFileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, file_google_protobuf_wrappers } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';

// What `buf generate` would have made of a demo.proto.
const types = { inputType: '.google.protobuf.StringValue', outputType: '.google.protobuf.StringValue' };
const file = create(FileDescriptorProtoSchema, {
  name: 'demo.proto',
  package: 'demo',
  syntax: 'proto3',
  dependency: ['google/protobuf/wrappers.proto'],
  service: [{
    name: 'Echo',
    method: [{ name: 'Say', ...types }, { name: 'Count', serverStreaming: true, ...types }, { name: 'Fail', ...types }],
  }],
});
const registry = createFileRegistry(file, () => file_google_protobuf_wrappers.proto);
const Echo = registry.getService('demo.Echo');

const baseUrl = process.argv[2];

async function talk(transport) {
  const client = createClient(Echo, transport);
  console.log((await client.say({ value: 'there and back' })).value);
  const counted = [];
  for await (const message of client.count({ value: 'x' })) counted.push(message.value);
  console.log(...counted);
  await client.fail({}).catch((error) => console.log(Code[error.code], error.rawMessage));
}

await talk(createConnectTransport({ baseUrl, httpVersion: '1.1' }));
await talk(createGrpcTransport({ baseUrl }));
process.exit(); // without waiting for the connection's idle time
