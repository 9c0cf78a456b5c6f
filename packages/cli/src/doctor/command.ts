import type { Values } from '../commands'
import { readLoginOptions } from '../login/options'
import { noWords } from '../usage-error'
import { createRedactor } from './redact'
import { diagnose } from './doctor'
import { jsonReporter, textReporter } from './report'

/** Runs `rds-iam doctor`. */
export async function runDoctor(values: Values, words: readonly string[]): Promise<number> {
  noWords(words)
  const options = readLoginOptions(values)
  const redactor = createRedactor()
  redactor.add(process.env['AWS_SECRET_ACCESS_KEY'])
  redactor.add(process.env['AWS_SESSION_TOKEN'])
  const write = (text: string): void => void process.stdout.write(redactor.redact(text))
  const live = process.stdout.isTTY
  const style = { live, colours: live && !process.env['NO_COLOR'], verbose: values['verbose'] === true }
  const reporter = values['json'] ? jsonReporter(write) : textReporter(write, style)
  const { ok } = await diagnose(options, { reporter, redactor })
  return ok ? 0 : 1
}
