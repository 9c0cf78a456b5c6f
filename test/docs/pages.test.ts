import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from './browser'
import { BASE, pages, serveSite, type Site } from './site'
import { visitAll, type Visit } from './visits'

let site: Site
let browser: Browser
let visits: Map<string, Visit>
beforeAll(async () => {
  site = await serveSite()
  browser = await openBrowser()
  visits = await visitAll(browser, site)
}, 600_000)
afterAll(async () => {
  await browser?.close()
  await site?.close()
})

const visitOf = (path: string): Visit => {
  const visit = visits.get(path)
  if (!visit) throw new Error(`no page ${path}`)
  return visit
}

describe.each(pages)('the page /%s', (path) => {
  it('opens without a complaint, and asks no other host for anything', () => {
    const { complaints, foreign } = visitOf(path)
    expect({ complaints, foreign }).toEqual({ complaints: [], foreign: [] })
  })

  it('is no wider than a phone', () => {
    expect(visitOf(path).tooWide).toEqual([])
  })

  it('has links that lead somewhere', () => {
    expect(visitOf(path).links.filter((link) => !leadsSomewhere(link))).toEqual([])
  })
})

/** A page and an anchor that are there; of other sites a well-formed address. */
function leadsSomewhere(link: string): boolean {
  const { protocol, origin, hostname, pathname, hash } = new URL(link)
  if (origin !== new URL(site.url).origin) return protocol === 'https:' && hostname.includes('.')
  const target = pathname.startsWith(BASE) ? visits.get(pathname.slice(BASE.length)) : undefined
  return target !== undefined && (hash === '' || target.anchors.has(decodeURIComponent(hash.slice(1))))
}
