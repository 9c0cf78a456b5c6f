import { ok, type Finding } from '../finding'

/** What a session says about its server. */
export interface ServerObservation {
  version: string
  isReader: boolean
}

/** Which server it is, and whether it takes writes. */
export function checkServer({ version, isReader }: ServerObservation, protocol: string): Finding {
  return ok('server', `${version}, ${isReader ? 'a reader' : 'a writer'}, over ${protocol}`)
}
