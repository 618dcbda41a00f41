// What /readyz promises to whoever waits for it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, folder, serve } from './command.ts';

afterAll(cleanUp);

const viewCount = 60;

test('who is ready has defined all views of the project', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  for (let i = 0; i < viewCount; i++)
    writeFileSync(join(dir, 'views', `v${i}.sql`), `-- every: 1m\nSELECT count(*) + ${i} AS n FROM s\n`);
  const file = join(dir, '.millrace', 'running.json');
  const starting = serve(dir, ['up']);
  // The address is known as soon as anything answers there.
  await eventually(
    async () => existsSync(file),
    exists => exists,
  );
  const { url } = JSON.parse(readFileSync(file, 'utf8')) as { url: string };
  await eventually(
    () => fetch(`${url}/readyz`),
    ({ ok }) => ok,
  );
  const { views } = await (await fetch(`${url}/v1/views`)).json();
  expect(views).toHaveLength(viewCount);
  await starting;
});
