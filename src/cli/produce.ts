// millrace produce: standard input into a stream, through the API of the process that runs on the data folder, in the format of the
// input; what was sent is on disk when the command ends.
import { createHash, randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { loadKernelHere } from '../built-files.ts';
import { detectFormat, formatById, sampleBytes, unknownFormat } from '../collect/detect.ts';
import { describedEnd, type FormatReader, type RejectedLine } from '../collect/format.ts';
import { maxRawBytes } from '../collect/rejected.ts';
import type { IngestAnswer, RejectedAnswer } from '../deliver/api.ts';
import { callApi, type Running } from '../running.ts';
import { withServerOf } from './client.ts';
import { type CommonOptions, withCommon } from './options.ts';
import { countOf, printJson, say, style } from './terminal.ts';

/** Bytes of input a request is made of. */
const spanBytes = 512 * 1024;

/** Input that comes slowly is sent after this long. */
const patienceMs = 200;

export function registerProduce(program: Command): void {
  withCommon(program.command('produce'))
    .description('send standard input to a stream')
    .argument('<stream>', 'the stream')
    .option('--format <id>', 'format of the input; detected where left out')
    .addHelpText(
      'after',
      `
Examples:
  echo '{"temperature": 21.5}' | millrace produce sensors
  zcat access.log.*.gz | millrace produce access

Lines that are no events are named, and kept in the stream _rejected.`,
    )
    .action(async (stream: string, options: CommonOptions & { format?: string }) => {
      await withServerOf(
        options,
        async server => {
          const run = createHash('sha256').update(randomUUID()).digest('hex').slice(0, 16);
          const kernel = loadKernelHere();
          let reader: FormatReader | undefined = options.format
            ? formatById(options.format).reader(kernel)
            : undefined;
          let rest = Buffer.alloc(0);
          let sequence = 0;
          let accepted = 0;
          let rejected = 0;
          let lines = 0;
          const flush = async (last: boolean): Promise<void> => {
            if (rest.length === 0) return;
            if (!reader) {
              const detected = detectFormat(rest.subarray(0, sampleBytes), last);
              if (!detected) {
                if (!last && rest.length < sampleBytes) return;
                throw unknownFormat(
                  'No known format fits the input.',
                  rest.subarray(0, 200).toString(),
                  'Say which it is with --format, for example --format json-lines.',
                );
              }
              if (!options.json) say(`input: ${style('bold', detected.format.title)} (${detected.why})`);
              reader = detected.format.reader(kernel);
            }
            while (rest.length > 0) {
              const length = rest.length;
              await send(reader, last);
              if (rest.length === length) return;
            }
          };
          const send = async (from: FormatReader, last: boolean): Promise<void> => {
            from.input(rest.length).set(rest);
            let converted = from.convert(rest.length, last);
            const part = describedEnd(converted);
            if (part !== undefined) {
              from.input(part).set(rest.subarray(0, part));
              converted = from.convert(part, false);
            }
            rest = Buffer.from(rest.subarray(converted.consumed));
            for (const line of converted.rejected) {
              say(`${style('yellow', 'rejected')} line ${lines + line.line}: ${line.reason}`);
            }
            if (converted.rejected.length > 0) await keepRejected(server, stream, converted.rejected, lines);
            rejected += converted.rejectedCount;
            lines += converted.lines;
            if (converted.count === 0) return;
            const answer = await callApi<IngestAnswer>(
              server,
              `/v1/streams/${encodeURIComponent(stream)}/events`,
              {
                method: 'POST',
                headers: {
                  'content-type': 'application/x-ndjson',
                  'idempotency-key': `produce-${run}-${sequence++}`,
                },
                body: converted.ndjson.slice() as Uint8Array<ArrayBuffer>,
              },
            );
            accepted += answer.accepted;
          };
          let flushed = Date.now();
          for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
            rest = Buffer.concat([rest, chunk]);
            if (rest.length >= spanBytes || Date.now() - flushed >= patienceMs) {
              await flush(false);
              flushed = Date.now();
            }
          }
          await flush(true);
          if (options.json) printJson({ accepted, rejected });
          else
            say(
              `${countOf(accepted, 'event')} sent${rejected > 0 ? `, ${countOf(rejected, 'line')} rejected` : ''}`,
            );
          if (rejected > 0) process.exitCode = 1;
        },
        { mustExist: false },
      );
    });
}

/** So that they are found where those of files are. */
async function keepRejected(
  server: Running,
  stream: string,
  rejected: readonly RejectedLine[],
  linesBefore: number,
): Promise<void> {
  const lines = rejected.map(({ line, position, reason, raw }) => {
    const kept = Buffer.from(raw.subarray(0, maxRawBytes + 1)).toString('base64');
    return { line: linesBefore + line, position, reason, raw: kept };
  });
  await callApi<RejectedAnswer>(server, `/v1/streams/${encodeURIComponent(stream)}/rejected`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ source: 'produce', lines }),
  });
}
