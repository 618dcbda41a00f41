// What the first events of a stream look like, to make views and a dashboard for it when nobody has written any.
import { eventTimeFields } from '../core/event-time.ts';
import { foldedName } from '../core/folded-name.ts';

export type FieldKind = 'number' | 'text' | 'boolean' | 'other';

export interface FieldProfile {
  name: string;
  kind: FieldKind;
  /** Events of the sample that have it, not null. */
  present: number;
  /** Distinct values in the sample. */
  distinct: number;
}

export interface StreamProfile {
  stream: string;
  /** Events looked at. */
  events: number;
  fields: FieldProfile[];
}

const timeNames: ReadonlySet<string> = new Set(eventTimeFields);

/** From events of valid NDJSON. Names of time fields are left out. */
export function profileStream(stream: string, lines: readonly string[]): StreamProfile {
  const fields = new Map<
    string,
    { name: string; kinds: Set<FieldKind>; present: number; values: Set<unknown> }
  >();
  for (const line of lines) {
    const event = JSON.parse(line) as Record<string, unknown>;
    for (const [name, value] of Object.entries(event)) {
      if (name === '' || timeNames.has(name)) continue;
      const folded = foldedName(name);
      let field = fields.get(folded);
      if (!field) {
        field = { name, kinds: new Set(), present: 0, values: new Set() };
        fields.set(folded, field);
      }
      if (value === null) continue;
      field.present++;
      field.kinds.add(kindOf(value));
      field.values.add(typeof value === 'object' ? '' : value);
    }
  }
  return {
    stream,
    events: lines.length,
    fields: [...fields.values()].map(({ name, kinds, present, values }) => ({
      name,
      kind: kinds.size === 1 ? [...kinds][0]! : 'other',
      present,
      distinct: values.size,
    })),
  };
}

function kindOf(value: unknown): FieldKind {
  if (typeof value === 'number') return 'number';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'boolean';
  return 'other';
}

/** Has the fields of an access log. */
export function isAccessLog(profile: StreamProfile): boolean {
  const names = new Set(profile.fields.map(field => field.name));
  return ['ip', 'method', 'path', 'status', 'bytes'].every(name => names.has(name));
}
