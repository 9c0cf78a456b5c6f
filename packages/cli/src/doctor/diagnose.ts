import { readApplicationOptions, type ApplicationOptions } from '../login/options'
import { Checklist, createRedactor } from './checklist'
import { runChecks } from './doctor'
import type { Diagnosis } from './report'

/** Runs the checks of doctor without any output. */
export async function diagnoseLogin(given: ApplicationOptions): Promise<Diagnosis> {
  const options = readApplicationOptions(given)
  const redactor = createRedactor()
  return runChecks(options, new Checklist({}, redactor), redactor)
}
