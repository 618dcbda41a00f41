// Filters as chips: a click on the operator negates, the cross takes out; a new one is typed as `field=value`.
import { useSignal } from '@preact/signals';
import { type Filter, filterText, parseFilter, withFilter } from '../filter.ts';
import { t } from '../language.ts';
import { Icon } from './icon.tsx';

export interface FilterBarProps {
  filters: Filter[];
  /** Names offered while typing. */
  fields: string[];
  onChange: (filters: Filter[]) => void;
}

export function FilterBar({ filters, fields, onChange }: FilterBarProps) {
  return (
    <fieldset class="filter-bar" aria-label={t('filter.label')}>
      <Icon name="filter" size={14} />
      <ul class="chips">
        {filters.map((filter, index) => (
          <li key={filterText(filter)} class={`chip${filter.negated ? ' is-negated' : ''}`}>
            <span class="chip-field">{filter.field}</span>
            <button
              type="button"
              class="chip-operator"
              aria-label={t(filter.negated ? 'filter.include' : 'filter.exclude', {
                field: filter.field,
                value: filter.value,
              })}
              title={t('filter.negate')}
              onClick={() =>
                onChange(filters.map((it, at) => (at === index ? { ...it, negated: !it.negated } : it)))
              }
            >
              {filter.negated ? '≠' : '='}
            </button>
            <span class="chip-value" title={filter.value}>
              {filter.value === '' ? t('value.blank') : filter.value}
            </span>
            <button
              type="button"
              class="chip-remove"
              aria-label={t('filter.remove', { filter: filterText(filter) })}
              title={t('filter.removeShort')}
              onClick={() => onChange(filters.filter((_, at) => at !== index))}
            >
              <Icon name="close" size={12} />
            </button>
          </li>
        ))}
      </ul>
      <NewFilter fields={fields} onAdd={filter => onChange(withFilter(filters, filter))} />
      {filters.length > 1 && (
        <button type="button" class="button button-small button-quiet" onClick={() => onChange([])}>
          {t('filter.clear')}
        </button>
      )}
    </fieldset>
  );
}

function NewFilter({ fields, onAdd }: { fields: string[]; onAdd: (filter: Filter) => void }) {
  const text = useSignal('');
  const isBad = useSignal(false);
  const submit = (event: Event) => {
    event.preventDefault();
    const filter = parseFilter(text.value);
    isBad.value = filter === undefined && text.value !== '';
    if (!filter) return;
    text.value = '';
    onAdd(filter);
  };
  return (
    <form class="filter-new" onSubmit={submit}>
      <input
        type="text"
        list="filter-fields"
        spellcheck={false}
        autocomplete="off"
        placeholder={t('filter.placeholder')}
        aria-label={t('filter.add')}
        aria-invalid={isBad.value}
        data-shortcut="f"
        value={text.value}
        onInput={event => {
          text.value = event.currentTarget.value;
          isBad.value = false;
        }}
      />
      <datalist id="filter-fields">
        {fields.map(field => (
          <option key={field} value={`${field}=`} />
        ))}
      </datalist>
      {isBad.value && (
        <span class="form-error" role="alert">
          {t('filter.bad')}
        </span>
      )}
    </form>
  );
}
