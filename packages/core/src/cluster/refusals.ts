import { isWithin } from './is-within'

/** For how long to avoid a host name that refused a login, and to start no search after every server refused. */
const REFUSED_MS = 60_000

/** The key for a search in which every server refused the login. Used in place of a host. */
export const ALL_SERVERS = '*'

/** When each host refused a login, by configuration: another configuration may have a user that is accepted. */
export class Refusals {
  readonly #byLogin = new WeakMap<object, Map<string, number>>()

  add(login: object, host: string): void {
    let times = this.#byLogin.get(login)
    if (!times) this.#byLogin.set(login, (times = new Map()))
    times.set(host, Date.now())
  }

  has(login: object, host: string): boolean {
    return isWithin(REFUSED_MS, this.#byLogin.get(login)?.get(host))
  }
}
