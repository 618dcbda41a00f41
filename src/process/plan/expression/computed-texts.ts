// The texts that the expressions of one source keep together, in dictionaries and memos, from one batch to the next.
import { countText } from '../functions/made-texts.ts';
import { dictionaryTextMax } from '../vector.ts';

export class ComputedTexts {
  private kept = 0;
  private readonly forgetters: (() => void)[] = [];

  /** `forget` lets go of what has been told to `add`; what was handed out stays valid. */
  onForget(forget: () => void): void {
    this.forgetters.push(forget);
  }

  /** A batch begins: there is room for its texts. */
  begin(): void {
    if (this.kept <= dictionaryTextMax) return;
    this.kept = 0;
    for (const forget of this.forgetters) forget();
  }

  readonly add = (length: number): void => {
    this.kept += length;
    countText(length);
  };
}
