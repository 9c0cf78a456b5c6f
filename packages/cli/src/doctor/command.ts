import { readLoginOptions, type LoginArguments } from '../login/arguments'
import { Checklist, createRedactor } from './checklist'
import { runChecks } from './doctor'
import { jsonReporter, textReporter } from './report'
import { watchCluster } from './watch'

/** Runs `rds-iam doctor`. */
export async function runDoctor(
  given: LoginArguments & { json?: true; verbose?: true; watch?: true },
): Promise<number> {
  const options = readLoginOptions(given)
  const redactor = createRedactor()
  const write = (text: string): void => void process.stdout.write(redactor.redact(text))
  if (given.watch) return watchCluster(options, write)
  const live = process.stdout.isTTY
  const style = { live, colours: live && !process.env['NO_COLOR'], verbose: given.verbose === true }
  const reporter = given.json ? jsonReporter(write) : textReporter(write, style)
  const diagnosis = await runChecks(options, new Checklist(redactor, reporter))
  reporter.finished(diagnosis)
  return diagnosis.ok ? 0 : 1
}
