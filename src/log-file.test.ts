import { existsSync } from 'node:fs';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openLogFile } from './log-file.ts';

test.skipIf(!existsSync('/dev/full'))('a full disk takes no lines and ends nothing (needs /dev/full)', () => {
  const logger = pino(openLogFile('/dev/full'));
  for (let i = 0; i < 3; i++) expect(() => logger.error('what went wrong')).not.toThrow();
});
