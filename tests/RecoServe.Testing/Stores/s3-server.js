// An S3 server on a free port of the loopback interface, for tests: s3rver, and before it what tests need and it has not.
//   node s3-server.js MODULES DIRECTORY PORT BUCKET     prints the port; ends when its input does
// Conditional writes: of PUTs with If-None-Match: * one at a time may find that there is no such object.
// PUT /-/hold/SUFFIX: reading keys that end so stops in the middle; without a suffix, none. PUT /-/conditions/off: a store that ignores them.
'use strict';
const path = require('path');
const { PassThrough } = require('stream');
const [modules, directory, port, bucket] = process.argv.slice(2);
const S3rver = require(path.join(modules, '@20minutes', 's3rver'));
const server = new S3rver({
  address: '127.0.0.1', port: Number(port), directory, silent: true, vhostBuckets: false, configureBuckets: [{ name: bucket, configs: [] }],
  allowMismatchedSignatures: true, // it forgets the slash after a bucket's name when it computes them
});

let [held, conditions, writing] = [null, true, Promise.resolve()];

const controls = async (ctx, next) => {
  const [, control, value] = /^\/-\/([a-z-]+)\/?(.*)$/.exec(ctx.path) ?? [];
  if (control === 'hold') held = value || null;
  else if (control === 'conditions') conditions = value === 'on';
  else return next();
  ctx.status = 200;
};

const condition = async (ctx, next) => {
  if (!conditions || ctx.method !== 'PUT' || ctx.get('if-none-match') !== '*') return next();
  const [, name, key] = /^\/([^/]+)\/(.+)$/.exec(decodeURIComponent(ctx.path));
  const turn = writing.then(async () => {
    if (!(await server.store.existsObject(name, key))) return next();
    ctx.req.resume();
    ctx.status = 412;
    ctx.type = 'application/xml';
    ctx.body = '<Error><Code>PreconditionFailed</Code><Message>The object exists</Message></Error>';
  });
  writing = turn.catch(() => {});
  return turn;
};

const hold = async (ctx, next) => {
  await next();
  if (ctx.method !== 'GET' || !held || !ctx.path.endsWith(held) || !ctx.body?.pipe) return;
  const [source, half, length] = [ctx.body, new PassThrough(), ctx.length];
  source.once('data', (chunk) => { source.pause(); half.write(chunk.subarray(0, chunk.length / 2)); });
  ctx.body = half;
  ctx.length = length;
};

server.middleware.unshift(controls, hold, condition);
server.run().then((address) => console.log(address.port));
process.stdin.on('end', () => process.exit()).resume();
