// One of a few choices, all in sight: a radio group drawn as a segmented button.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

export interface Choice<T extends string> {
  value: T;
  label: string;
  content?: ComponentChildren;
}

export function ToggleGroup<T extends string>(props: {
  label: string;
  value: T;
  choices: Choice<T>[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <div class="toggle-group" role="radiogroup" aria-label={props.label}>
      {props.choices.map(choice => (
        <label key={choice.value} class={choice.value === props.value ? 'is-on' : ''} title={choice.label}>
          <input
            type="radio"
            name={name}
            checked={choice.value === props.value}
            aria-label={choice.label}
            onChange={() => props.onChange(choice.value)}
          />
          {choice.content ?? <span>{choice.label}</span>}
        </label>
      ))}
    </div>
  );
}
