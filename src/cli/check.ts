// millrace check: every file of the project folder, without starting anything.
import type { Command } from 'commander';
import { type CommonOptions, withCommon } from './options.ts';
import { countOf, print, printJson, style } from './terminal.ts';

export function registerCheck(program: Command): void {
  withCommon(program.command('check'))
    .description('check the project folder: views, pipelines, dashboards, settings')
    .addHelpText('after', '\nExamples:\n  millrace check\n  millrace check --project shop --json')
    .action(async (options: CommonOptions) => {
      const { checkProject } = await import('../check-project.ts');
      const { checked, faults } = await checkProject(options.project);
      if (options.json) {
        printJson({
          checked,
          faults: faults.map(({ code, message, remedy, context }) => ({ code, message, remedy, ...context })),
        });
      } else {
        for (const fault of faults) {
          print(`${style('red', '✗')} ${fault.message}`);
          if (fault.remedy) print(`  ${fault.remedy}`);
        }
        if (faults.length === 0) print(`${style('green', '✓')} ${countOf(checked, 'file')}, nothing to mend`);
      }
      if (faults.length > 0) process.exitCode = 1;
    });
}
