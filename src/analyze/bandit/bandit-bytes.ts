// The family of the bandits' serialised forms, and their errors.
import { MillraceError } from '../../core/errors.ts';
import { MarkedForm } from '../stats/moment/marked-form.ts';

/** One byte that names the policy. Numbers are never used twice. */
export const banditKind = {
  epsilonGreedy: 1,
  softmax: 2,
  ucb1: 3,
  klUcb: 4,
  bernoulliThompson: 5,
  gaussianThompson: 6,
  exp3: 7,
  linUcb: 8,
  linearThompson: 9,
  delayedFeedback: 10,
  offPolicyEvaluation: 11,
} as const;

export type BanditKind = keyof typeof banditKind;

/** The error for bytes that are no policy of this kind. */
export function corruptBandit(detail: string, context: Record<string, unknown> = {}): MillraceError {
  return new MillraceError('corrupt-bandit', `These bytes are no bandit state: ${detail}`, {
    status: 400,
    remedy: 'Pass the bytes as `serialize` wrote them.',
    context,
  });
}

/** The forms of all of them: `corrupt-bandit` for bytes that are none. */
export const banditForm = new MarkedForm<BanditKind>(0x42, banditKind, corruptBandit);

/** The error for merging what did not learn alike: `incompatible-bandits`. */
export function incompatibleBandits(message: string): MillraceError {
  return new MillraceError('incompatible-bandits', message, {
    status: 400,
    remedy: 'Merge policies of one kind and the same options, without a window or a discount.',
  });
}
