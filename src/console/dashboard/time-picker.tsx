// The time range: quick ranges, typed ends, steps to either side, zoom out, and the zone times are shown in.
import { useSignal } from '@preact/signals';
import { formatMoment, formatTyped } from '../format.ts';
import { language, t } from '../language.ts';
import { Disclosure } from '../parts/disclosure.tsx';
import { Icon } from '../parts/icon.tsx';
import { ToggleGroup } from '../parts/toggle-group.tsx';
import {
  allData,
  fixedRange,
  isAll,
  moved,
  parseEnd,
  quickRanges,
  type RangeText,
  rangeOf,
  relativeParts,
  type Span,
} from '../time-range.ts';
import { setZone, zone, zoneName } from '../zone.ts';

export interface TimePickerProps {
  range: RangeText;
  span: Span;
  onChange: (range: RangeText) => void;
  onZoomOut: () => void;
}

/** A range in words: "Last 24 hours", "All data", "17 May 2015, 10:00 – 12:00". */
export function describeRange(range: RangeText, span: Span): string {
  if (isAll(range)) return t('range.all');
  const parts = range.to === 'now' ? relativeParts(range.from) : undefined;
  if (parts) return t(`range.last.${parts.unit}`, { count: parts.amount });
  const stepMs = span.toMs - span.fromMs < 600_000 ? 1000 : 60_000;
  const moment = (ms: number) => formatMoment(ms, language.value, zone.value, stepMs);
  return `${moment(span.fromMs)} – ${range.to === 'now' ? t('range.now') : moment(span.toMs)}`;
}

export function TimePicker({ range, span, onChange, onZoomOut }: TimePickerProps) {
  return (
    <div class="time-picker">
      <button
        type="button"
        class="button button-icon"
        aria-label={t('range.earlier')}
        title={t('range.earlier')}
        onClick={() => onChange(fixedRange(moved(span, -0.5)))}
      >
        <Icon name="earlier" />
      </button>
      <Disclosure
        label={t('range.choose')}
        shortcut="t"
        align="end"
        button={
          <>
            <Icon name="clock" size={14} />
            <span class="time-picker-text">{describeRange(range, span)}</span>
            <Icon name="down" size={12} />
          </>
        }
      >
        {close => (
          <RangeForm
            range={range}
            span={span}
            onChange={next => {
              close();
              onChange(next);
            }}
          />
        )}
      </Disclosure>
      <button
        type="button"
        class="button button-icon"
        aria-label={t('range.later')}
        title={t('range.later')}
        onClick={() => onChange(fixedRange(moved(span, 0.5)))}
      >
        <Icon name="later" />
      </button>
      <button
        type="button"
        class="button button-icon"
        aria-label={t('range.zoomOut')}
        title={t('range.zoomOut')}
        onClick={onZoomOut}
      >
        <Icon name="zoomOut" />
      </button>
    </div>
  );
}

function RangeForm({ range, span, onChange }: Omit<TimePickerProps, 'onZoomOut'>) {
  const isRelative = !isAll(range) && relativeParts(range.from) !== undefined;
  const from = useSignal(isRelative ? range.from : formatTyped(span.fromMs, zone.value));
  const to = useSignal(isRelative && range.to === 'now' ? 'now' : formatTyped(span.toMs, zone.value));
  const bad = useSignal<string[]>([]);

  const submit = (event: Event) => {
    event.preventDefault();
    const nowMs = Date.now();
    const wrong = [from.value, to.value].filter(text => !isEnd(text, nowMs));
    bad.value = wrong;
    if (wrong.length > 0) return;
    onChange({ from: shareable(from.value, nowMs), to: shareable(to.value, nowMs) });
  };

  return (
    <div class="range-form">
      <ul class="range-quick" aria-label={t('range.quick')}>
        {quickRanges.map(text => {
          const quick = text === 'all' ? allData : rangeOf(text);
          const isOn = range.from === quick.from && (text === 'all' || range.to === 'now');
          return (
            <li key={text}>
              <button
                type="button"
                class={isOn ? 'is-on' : ''}
                aria-pressed={isOn}
                onClick={() => onChange(quick)}
              >
                {describeRange(quick, span)}
              </button>
            </li>
          );
        })}
      </ul>
      <form onSubmit={submit}>
        <Field label={t('range.from')} value={from} isBad={bad.value.includes(from.value)} />
        <Field label={t('range.to')} value={to} isBad={bad.value.includes(to.value)} />
        {bad.value.length > 0 ? (
          <p class="form-error" role="alert">
            {t('range.bad', { text: bad.value[0]! })}
          </p>
        ) : (
          <p class="form-hint">{t('range.hint')}</p>
        )}
        <button type="submit" class="button button-primary">
          {t('range.apply')}
        </button>
        <ToggleGroup
          label={t('zone.label')}
          value={zone.value}
          choices={[
            { value: 'local', label: zoneName('local') },
            { value: 'UTC', label: 'UTC' },
          ]}
          onChange={next => {
            from.value = isRelative ? from.value : formatTyped(span.fromMs, next);
            to.value = to.value === 'now' ? 'now' : formatTyped(span.toMs, next);
            setZone(next);
          }}
        />
      </form>
    </div>
  );
}

function Field(props: { label: string; value: { value: string }; isBad: boolean }) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <input
        type="text"
        spellcheck={false}
        autocomplete="off"
        value={props.value.value}
        aria-invalid={props.isBad}
        onInput={event => (props.value.value = event.currentTarget.value)}
      />
    </label>
  );
}

function isEnd(text: string, nowMs: number): boolean {
  try {
    parseEnd(text, nowMs, zone.value);
    return true;
  } catch {
    return false;
  }
}

/** A typed end as it goes into the address: relative ones as they are, others as UTC. */
function shareable(text: string, nowMs: number): string {
  const typed = text.trim();
  if (/^(now|[+-]|now[+-])/.test(typed)) return typed;
  return fixedRange({ fromMs: parseEnd(typed, nowMs, zone.value), toMs: 0 }).from;
}
