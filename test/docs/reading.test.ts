import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { openBrowser } from './browser'
import { serveSite, type Site } from './site'
import { openPage, PHONE } from './visits'

// A browser on a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000 })

let site: Site
let browser: Browser
let context: BrowserContext
let page: Page
beforeAll(async () => {
  site = await serveSite()
  browser = await openBrowser()
}, 600_000)
afterAll(async () => {
  await browser?.close()
  await site?.close()
})
beforeEach(async () => {
  context = await browser.newContext({
    permissions: ['clipboard-read', 'clipboard-write'],
    colorScheme: 'light',
  })
  page = await context.newPage()
})
afterEach(() => context.close())

it('copies code to the clipboard', async () => {
  await openPage(page, `${site.url}knex`)
  const block = page.locator('.language-ts', { hasText: 'current_user' }).first()
  await block.hover()
  await block.getByRole('button', { name: 'Copy Code' }).click()
  await block.locator('button.copied').waitFor()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  expect(copied.replaceAll('\r\n', '\n')).toBe(await block.locator('code').innerText())
  expect(copied).toContain("import { pgConnection } from '@rds-iam/knex'")
})

it.each(['TLS_UNTRUSTED', 'USER_NOT_ALLOWED'])('finds %s, and leads to its section', async (code) => {
  await openPage(page, site.url)
  await page.keyboard.press('Control+k')
  await page.getByRole('searchbox').fill(code)
  await page.locator('.VPLocalSearchBox .result', { hasText: code }).first().click()
  await page.waitForURL(`**/troubleshooting#${code}`)
  await scrolledTo(code)
})

it('begins at the section that a message links to', async () => {
  await openPage(page, `${site.url}troubleshooting#LOGIN_REFUSED`)
  await scrolledTo('LOGIN_REFUSED')
})

it('turns dark, diagram included, and stays so', async () => {
  const colours = () =>
    page.evaluate(() => [
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector('svg.sequence text')!).fill,
    ])
  await openPage(page, `${site.url}how-it-works`)
  const light = await colours()
  await page.locator('.VPNavBarAppearance').getByRole('switch').click()
  await page.locator('html.dark').waitFor()
  const dark = await colours()
  expect(dark.filter((colour) => light.includes(colour))).toEqual([])
  await page.reload()
  expect(await colours()).toEqual(dark)
})

it('has a menu with every guide on a phone', async () => {
  await page.setViewportSize(PHONE)
  await openPage(page, `${site.url}start`)
  await page.getByRole('button', { name: 'Menu', exact: true }).click()
  await page.locator('.VPSidebar').getByRole('link', { name: 'kysely', exact: true }).click()
  await page.waitForURL('**/kysely')
  await page.getByRole('heading', { name: 'kysely', level: 1 }).waitFor()
})

it('says in words what the diagram shows', async () => {
  await openPage(page, `${site.url}how-it-works`)
  const diagram = page.getByRole('img', { name: 'How a login works, in ten steps' })
  const steps = await diagram.locator('circle').count()
  expect(await page.locator('#login-steps li').count()).toBe(steps)
})

/** Waits until the section's heading is on the screen. */
async function scrolledTo(code: string): Promise<void> {
  const heading = await page.getByRole('heading', { name: code }).elementHandle()
  await page.waitForFunction((element) => {
    const { top, bottom } = element?.getBoundingClientRect() ?? { top: -1, bottom: -1 }
    return top >= 0 && bottom <= innerHeight
  }, heading)
}
