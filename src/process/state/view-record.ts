// What the state store keeps of a view's definition: the version that serves and, while it is being filled, the next one.
import { MillraceError } from '../../core/errors.ts';
import type { StateReader, StateTransaction } from '../../store/state.ts';
import type { Plan } from '../plan/plan.ts';
import { definitionKey, definitionRange } from './state-rows.ts';

export interface ViewRecord {
  name: string;
  current: Plan;
  next?: Plan;
}

export function readRecords(state: StateReader): ViewRecord[] {
  const records: ViewRecord[] = [];
  for (const { value } of state.range(...definitionRange())) {
    try {
      records.push(JSON.parse(new TextDecoder().decode(value)) as ViewRecord);
    } catch (cause) {
      throw new MillraceError('state-damaged', 'The definition of a view cannot be read.', { cause });
    }
  }
  return records;
}

export function writeRecord(transaction: StateTransaction, record: ViewRecord): void {
  transaction.put(definitionKey(record.name), new TextEncoder().encode(JSON.stringify(record)));
}
