// Access logs of Apache, nginx and their kin in the Common, Combined and vhost_combined formats; the kernel converts them.
import { type Detection, type Format, maxLineBytes, maxRejectedPerSpan, spanNdjsonMax } from '../format.ts';

const time = String.raw`\[\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`;
const quotedText = String.raw`"(?:[^"\\]|\\.)*"`;
const common = String.raw`\S+ \S+ .+? ${time} ${quotedText} (?:\d{3}|-) (?:\d+|-)`;

/** The kernel's reasons as a person would say them; those that are missing here are clear as they are. */
const sentences: Record<string, string> = {
  'bad vhost': 'no virtual host where one is expected',
  'bad ip': 'no address at the start',
  'bad ident': 'no identity (or "-") after the address',
  'bad user': 'no user (or "-") before the time',
  'bad time': 'no time like [10/Oct/2000:13:55:36 -0700]',
  'bad request': 'the quoted request is missing or has no closing quote',
  'bad status': 'no status of three digits after the request',
  'bad bytes': 'no number of bytes (or "-") after the status',
  'bad referer': 'the quoted referer is missing or has no closing quote',
  'bad agent': 'the quoted user agent is missing or has no closing quote',
};

type Variant = 'common' | 'combined' | 'vhost';

function accessLog(variant: Variant, title: string, shape: RegExp, parts: string, weight: number): Format {
  return {
    id: `access-${variant}`,
    title,
    detect(sample): Detection | undefined {
      const fitting = sample.filter(line => shape.test(line)).length;
      if (fitting < sample.length * 0.5 || fitting === 0) return undefined;
      return {
        confidence: weight * (fitting / sample.length),
        why: `${fitting} of ${sample.length} lines have ${parts}`,
      };
    },
    reader(kernel) {
      return {
        input: capacity => kernel.input(capacity),
        state: () => undefined,
        convert(length, last) {
          let result = kernel.accessLogToNdjson(length, variant, last);
          // As JSON a byte that is no text becomes three, a control character six.
          if (result.output.length > 2 * spanNdjsonMax) {
            const bytes = kernel.input(length).subarray(0, length);
            const end = bytes.lastIndexOf(10, maxLineBytes - 1);
            result = kernel.accessLogToNdjson((end < 0 ? bytes.indexOf(10) : end) + 1, variant, false);
          }
          const rejected = result.errors.slice(0, maxRejectedPerSpan).map((error, index) => ({
            line: error.line,
            start: error.start,
            position: error.position,
            reason: sentences[error.reason] ?? error.reason,
            raw: result.rejectedLines[index]!,
          }));
          return {
            ndjson: result.output,
            count: result.count,
            consumed: result.consumed,
            lines: result.lines,
            rejected,
            rejectedCount: result.rejected,
          };
        },
      };
    },
  };
}

export const accessCommon = accessLog(
  'common',
  'Apache/nginx common access log',
  new RegExp(`^${common}\\s*$`),
  'the seven fields of a common log line',
  0.98,
);
export const accessCombined = accessLog(
  'combined',
  'Apache/nginx combined access log',
  new RegExp(`^${common} ${quotedText} ${quotedText}`),
  'the nine fields of a combined log line',
  1,
);
export const accessVhost = accessLog(
  'vhost',
  'Apache access log with virtual hosts',
  new RegExp(`^\\S+:\\d+ ${common} ${quotedText} ${quotedText}`),
  'a host and port before the nine fields of a combined log line',
  1.01,
);
