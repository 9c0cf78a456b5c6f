import type { Point, Way } from './relay'
import { subjects } from './subjects'

/** The steps of a login at which a fault happens, in order. */
export const steps = {
  accepted: 'TCP accepted',
  greeted: 'greeting, or answer to SSLRequest',
  handshake: 'during the TLS handshake',
  secured: 'after the TLS handshake',
  awaited: 'waiting for the token',
  asked: 'password requested',
  sent: 'token sent',
  idle: 'logged in, idle',
  queried: 'logged in, query running',
} satisfies Record<Point | 'awaited', string>

/** The kinds of fault. */
export const ways = {
  close: 'orderly close',
  reset: 'reset',
  garbage: 'garbage',
  corruption: 'garbage below TLS',
  silence: 'silence',
  bytewise: 'one byte at a time',
} satisfies Record<Way, string>

export type Step = keyof typeof steps

/** One case of the matrix. */
export interface Cell {
  subject: string
  step: Step
  way: Way
}

const BEFORE_TLS: readonly Step[] = ['accepted', 'greeted', 'handshake']

/** All cases. Before TLS, garbage and garbage below TLS are the same. */
export function allCells(): Cell[] {
  return Object.keys(subjects).flatMap((subject) =>
    (Object.keys(steps) as Step[]).flatMap((step) =>
      (Object.keys(ways) as Way[])
        .filter((way) => way !== 'corruption' || !BEFORE_TLS.includes(step))
        .map((way) => ({ subject, step, way })),
    ),
  )
}

/** Cells that fail because of a driver, with a part of the failure. A cell that no longer fails must be removed. */
const knownFailures: { driver: string; at: readonly Step[]; way: Way; failure: string }[] = [
  // The server sends several packets at once inside TLS. The driver emits an error on a connection that no one else
  // has yet.
  { driver: 'mariadb', at: ['secured'], way: 'garbage', failure: 'no: 45011' },
  // Before 3.23.3 mysql2 stops its connectTimeout at the server's first byte.
  {
    driver: 'mysql2 3.15',
    at: ['greeted', 'handshake', 'secured', 'awaited', 'asked', 'sent'],
    way: 'silence',
    failure: 'does not settle',
  },
  // TLS waits for the rest of a record that the garbage began.
  { driver: 'mysql2 3.15', at: ['handshake'], way: 'garbage', failure: 'does not settle' },
  // mysql2 ends a connection with a packet, and waits until the server closes it.
  { driver: 'mysql2', at: ['idle'], way: 'silence', failure: 'does not close its sockets' },
]

/** A part of the failure that is known for a cell, or undefined. */
export function knownFailure({ subject, step, way }: Cell): string | undefined {
  return knownFailures.find(
    (known) => subject.includes(known.driver) && known.at.includes(step) && known.way === way,
  )?.failure
}

export function titleOf({ step, way }: Cell): string {
  return `${steps[step]}: ${ways[way]}`
}
