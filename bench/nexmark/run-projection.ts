// One query that makes an event of an event, as a pipeline runs it: reads the stream, writes NDJSON and hands it to a sink.
import { planProjection } from '../../src/process/projection/plan-projection.ts';
import { Projection } from '../../src/process/projection/projection.ts';
import { eventColumns } from './events.ts';
import type { RunInput } from './run-view.ts';

const readBytes = 4 * 1024 * 1024;

export interface ProjectionInput extends RunInput {
  /** Events to read. */
  events: number;
  /** Takes the output; its bytes are valid during the call. */
  sink: (bytes: Uint8Array) => void;
}

/** Answers how many events and bytes it made. */
export async function runProjection({
  query,
  oracle,
  kernel,
  reader,
  events,
  sink,
}: ProjectionInput): Promise<{ count: number; bytes: number }> {
  const plan = await planProjection(
    { name: query.name, text: query.sql },
    { parseSql: oracle.parseSql, schema: () => eventColumns },
  );
  const [{ stream }] = plan.sources as [(typeof plan.sources)[0]];
  const projection = new Projection(plan, { kernel });
  let [count, bytes] = [0, 0];
  try {
    for (let offset = 0; offset < events; ) {
      await reader.wait(stream, 0, offset);
      const read = await reader.read(stream, 0, offset, kernel.input(readBytes));
      for (let at = 0; at < read.length; ) {
        const result = projection.run(at, read.length - at, 0);
        at += result.consumed;
        count += result.count;
        bytes += result.bytes.length;
        sink(result.bytes);
      }
      offset = read.next;
    }
  } finally {
    projection.free();
  }
  return { count, bytes };
}
