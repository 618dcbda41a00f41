// Syslog lines: RFC 5424 and RFC 3164 with or without the <priority>. A time of RFC 3164 has no year: the year is chosen so
// that the time is not more than a day ahead of now.
import { systemClock } from '../../core/time.ts';
import type { Detection, Format } from '../format.ts';
import { LineFormatReader, type LineOutcome, refuse } from './line-format.ts';

const modern =
  /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]\\"]|\\.|"(?:[^"\\]|\\.)*")*\])+)(?: \uFEFF?(.*))?$/;
const classic =
  /^(?:<(\d{1,3})>)?([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d) (\S+) ([^\s:[]+)(?:\[(\d+)\])?: ?(.*)$/;
const isoClassic = /^(?:<(\d{1,3})>)?(\d{4}-\d\d-\d\dT\S+) (\S+) ([^\s:[]+)(?:\[(\d+)\])?: ?(.*)$/;

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const severities = ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug'];

function priority(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  const value = Number(text);
  return { facility: value >> 3, severity: severities[value & 7] };
}

const nil = (text: string | undefined): string | null => (text === undefined || text === '-' ? null : text);

function parser(nowMs: () => number): (line: string) => LineOutcome {
  return line => {
    let match = modern.exec(line);
    if (match) {
      const [, pri, time, host, app, pid, id, data, message] = match;
      return {
        ...(time === '-' ? {} : { _time: time }),
        ...priority(pri),
        host: nil(host),
        app: nil(app),
        pid: nil(pid),
        message_id: nil(id),
        ...(data === '-' ? {} : { structured_data: data }),
        message: message ?? null,
      };
    }
    match = isoClassic.exec(line);
    if (match) {
      const [, pri, time, host, app, pid, message] = match;
      return { _time: time, ...priority(pri), host, app, pid: nil(pid), message };
    }
    match = classic.exec(line);
    if (!match) return refuse('not a syslog line');
    const [, pri, monthName, day, time, host, app, pid, message] = match;
    const month = months.indexOf(monthName!);
    if (month < 0) return refuse(`"${monthName}" is not a month`);
    const now = nowMs();
    let year = new Date(now).getUTCFullYear();
    const at = (): number =>
      Date.parse(`${year}-${String(month + 1).padStart(2, '0')}-${day!.trim().padStart(2, '0')}T${time}Z`);
    if (Number.isNaN(at())) return refuse('not a time');
    if (at() > now + 86_400_000) year--;
    return { _time: new Date(at()).toISOString(), ...priority(pri), host, app, pid: nil(pid), message };
  };
}

export const syslog: Format = {
  id: 'syslog',
  title: 'syslog (RFC 3164 / RFC 5424)',
  detect(sample): Detection | undefined {
    const fitting = sample.filter(
      line => modern.test(line) || classic.test(line) || isoClassic.test(line),
    ).length;
    if (fitting < sample.length * 0.8) return undefined;
    return {
      confidence: 0.95 * (fitting / sample.length),
      why: `${fitting} of ${sample.length} lines are syslog lines`,
    };
  },
  reader: () => new LineFormatReader(parser(systemClock.nowMs)),
};
