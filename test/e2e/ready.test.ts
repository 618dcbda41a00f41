// What /readyz promises to whoever waits for it.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

test('files of the project that are at fault stop nothing but themselves, and are named', async () => {
  const dir = folder();
  for (const name of ['views', 'dashboards']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'views', 'good.sql'), '-- every: 1m\nSELECT count(*) AS n FROM s\n');
  writeFileSync(join(dir, 'views', 'good copy.sql'), '-- every: 1m\nSELECT count(*) AS n FROM s\n');
  writeFileSync(join(dir, 'dashboards', 'torn.yaml'), 'panels: [\n');
  const server = await serve(dir, ['up']);
  await server.json('/v1/streams/s/events', { method: 'POST', body: '{"a":1}\n' });
  const { views } = await server.json<{ views: { name: string }[] }>('/v1/views');
  expect(views.map(({ name }) => name)).toEqual(['good']);
  const named = [
    expect.stringMatching(/views\/good copy\.sql: "good copy" cannot be the name of a view/),
    expect.stringMatching(/dashboards\/torn\.yaml:\d+/),
  ];
  const problems = async (): Promise<string[]> =>
    ((await (await fetch(`${server.url}/readyz`)).json()) as { problems: string[] }).problems;
  expect(await problems()).toEqual(named);
  // What is mended while it runs is a problem no more; with settings at fault it would not start again, so they are one.
  rmSync(join(dir, 'dashboards', 'torn.yaml'));
  writeFileSync(join(dir, 'millrace.yaml'), 'durability: maybe\n');
  await eventually(
    problems,
    found => found.length === 2 && found.some(one => one.includes('millrace.yaml:1')),
  );
});
