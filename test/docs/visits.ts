import type { Browser, Page } from 'playwright-core'
import { pages, type Site } from './site'

/** What a page showed when it was opened, on a desktop and on a phone. */
export interface Visit {
  /** What reached the console or failed to load. */
  complaints: string[]
  /** What was asked of other hosts. */
  foreign: string[]
  /** The anchors that a link may lead to. */
  anchors: Set<string>
  links: string[]
  /** What stands out of a phone's screen, by its text. */
  tooWide: string[]
}

export const PHONE = { width: 390, height: 844 }
const VISITORS = 4

/** Opens every page once. */
export async function visitAll(browser: Browser, site: Site): Promise<Map<string, Visit>> {
  const visits = new Map<string, Visit>()
  const left = [...pages]
  async function visitor(): Promise<void> {
    const context = await browser.newContext()
    for (let path = left.shift(); path !== undefined; path = left.shift()) {
      const page = await context.newPage()
      visits.set(path, await visit(page, site, path))
      await page.close()
    }
    await context.close()
  }
  await Promise.all(Array.from({ length: VISITORS }, visitor))
  return visits
}

async function visit(page: Page, site: Site, path: string): Promise<Visit> {
  const complaints: string[] = []
  const foreign: string[] = []
  const { origin } = new URL(site.url)
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    if (!/^(?:data|blob):/.test(request.url()) && !request.url().startsWith(origin))
      foreign.push(request.url())
  })
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`)
  })
  await openPage(page, site.url + path)
  const { anchors, links } = await page.evaluate(() => ({
    anchors: [...document.querySelectorAll('[id]')].map(({ id }) => id),
    links: [...document.querySelectorAll('a')].flatMap((link) => (link.href ? [link.href] : [])),
  }))
  await page.setViewportSize(PHONE)
  const tooWide = await page.evaluate(findTooWide)
  return { complaints, foreign, anchors: new Set(anchors), links, tooWide }
}

/** Opens a page and waits until its scripts have taken it over. */
export async function openPage(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.waitForFunction(() => '__vue_app__' in (document.querySelector('#app') ?? {}))
}

/** Runs in the page. What scrolls by itself may be wider than the screen; the page may not. */
function findTooWide(): string[] {
  const width = document.documentElement.clientWidth
  const scrolls = (element: Element | null): boolean =>
    element !== null &&
    (['auto', 'scroll'].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement))
  const tooWide = [...document.querySelectorAll('#app *')].filter((element) => {
    const { left, right } = element.getBoundingClientRect()
    return right > width + 1 && left < width && !scrolls(element.parentElement)
  })
  const named = tooWide.map((element) => `${element.tagName}: ${element.textContent.slice(0, 80)}`)
  return document.documentElement.scrollWidth > width ? [`the page is too wide`, ...named] : named
}
