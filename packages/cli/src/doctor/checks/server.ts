import { ok, type Finding } from '../finding'

/** What a session says about its server. */
export interface ServerObservation {
  version: string
  isReader: boolean
  /** The version of TLS. */
  protocol: string
}

/** Which server it is, and whether it takes writes. */
export function checkServer({ version, isReader, protocol }: ServerObservation): Finding {
  return ok('server', `${version}, ${isReader ? 'a reader' : 'a writer'}, over ${protocol}`)
}
