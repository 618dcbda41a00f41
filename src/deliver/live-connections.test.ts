import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { LiveConnections } from './live-connections.ts';

test('beyond the bound a connection is refused until another one closes', () => {
  const connections = new LiveConnections(2);
  const first = new EventEmitter();
  connections.admit(first);
  connections.admit(new EventEmitter());
  const refused = expect.objectContaining({ code: 'too-many-connections', status: 503, canRetry: true });
  expect(() => connections.admit(new EventEmitter())).toThrow(refused);
  first.emit('close');
  connections.admit(new EventEmitter());
  expect(() => connections.admit(new EventEmitter())).toThrow(refused);
});
