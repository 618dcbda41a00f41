// A JSON value as a tree that folds. Everything in it is text: nothing from an event is ever markup.

const depthMax = 40;

/** The members of an object in their order. */
export function JsonView({ entries }: { entries: [name: string, value: unknown][] }) {
  return (
    <dl class="json">
      {entries.map(([name, value], index) => (
        <div key={index}>
          <dt>{name}</dt>
          <dd>
            <JsonValue value={value} depth={1} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function JsonValue({ value, depth }: { value: unknown; depth: number }) {
  if (value === null) return <span class="json-null">null</span>;
  if (typeof value === 'string') return <span class="json-string">{value === '' ? '""' : value}</span>;
  if (typeof value !== 'object') return <span class="json-number">{String(value)}</span>;
  const entries: [string, unknown][] = Object.entries(value);
  if (entries.length === 0 || depth >= depthMax) return <span>{JSON.stringify(value)}</span>;
  return (
    <details open={depth < 3}>
      <summary>{Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`}</summary>
      <dl class="json">
        {entries.map(([name, inner]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <JsonValue value={inner} depth={depth + 1} />
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
