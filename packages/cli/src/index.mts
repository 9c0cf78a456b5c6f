export { diagnose } from './index.js'
export type {
  ApplicationOptions,
  Cause,
  CauseCode,
  CheckName,
  Diagnosis,
  Engine,
  ReportedFinding,
} from './index.js'
