// The names an editor offers: streams with their fields and views with their columns.
import type { SQLNamespace } from '@codemirror/lang-sql';
import { api } from '../api-client.ts';

/** Streams beyond this are offered without their fields. */
const streamsMax = 50;

function columnsOf(columns: { name: string; type: string }[]): SQLNamespace {
  return columns.map(({ name, type }) => ({ label: name, detail: type, type: 'property' }));
}

export async function loadSchema(): Promise<SQLNamespace> {
  const [views, streams] = await Promise.all([api.views(), api.streams()]);
  const tables: Record<string, SQLNamespace> = {};
  for (const view of views.views) tables[view.name] = columnsOf(view.columns);
  await Promise.all(
    streams.streams.slice(0, streamsMax).map(async ({ name }) => {
      tables[name] = columnsOf(
        await api.stream(name).then(
          stream => stream.fields,
          () => [],
        ),
      );
    }),
  );
  for (const { name } of streams.streams.slice(streamsMax)) tables[name] = [];
  return tables;
}
