// The command line: one file a command, registered here. Exit codes: 0 done, 1 failed, 2 wrong usage.
import { Command, CommanderError } from 'commander';
import { registerAudit } from './audit.ts';
import { registerCheck } from './check.ts';
import { registerDemo } from './demo.ts';
import { registerDoctor } from './doctor.ts';
import { registerLoad } from './load.ts';
import { registerProduce } from './produce.ts';
import { registerSql } from './sql.ts';
import { endAtUncaught } from './stopping.ts';
import { registerTail } from './tail.ts';
import { sayError, watchOutput } from './terminal.ts';
import { registerUp } from './up.ts';
import { registerViews } from './views.ts';

declare const __VERSION__: string;

const program = new Command('millrace')
  .description('Real-time analytics from one access log to terabytes.')
  .version(__VERSION__, '--version', 'print the version')
  .helpOption('--help', 'show help')
  .helpCommand(false)
  .showHelpAfterError('(millrace --help shows what there is)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  millrace demo                          a simulated shop, to look around
  millrace up /var/log/nginx/access.log  load a log, follow it, open the dashboard
  millrace sql "SELECT status, count(*) FROM access GROUP BY 1"
  tail -f app.log | millrace produce app send what comes from elsewhere

millrace COMMAND --help shows the options of a command, with examples.`,
  );

for (const register of [
  registerUp,
  registerLoad,
  registerDemo,
  registerSql,
  registerTail,
  registerProduce,
  registerViews,
  registerAudit,
  registerCheck,
  registerDoctor,
]) {
  register(program);
}
// Subcommands take over how the program ends and explains itself.
for (const command of program.commands) {
  command
    .exitOverride()
    .helpOption('--help', 'show help')
    .showHelpAfterError(`(millrace ${command.name()} --help shows how)`);
}

let args = process.argv.slice(2);
// `npm start` alone is the demo; the command alone is the help.
if (args.length === 0) args = process.env['npm_lifecycle_event'] === 'start' ? ['demo'] : ['--help'];

watchOutput();
endAtUncaught();
try {
  await program.parseAsync(args, { from: 'user' });
} catch (thrown) {
  if (thrown instanceof CommanderError) process.exit(thrown.exitCode === 0 ? 0 : 2);
  sayError(thrown, args.includes('--verbose'));
  process.exit(1);
}
