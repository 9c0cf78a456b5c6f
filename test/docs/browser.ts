import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'
import { requirePrograms } from '../local/clients/programs'

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A browser of the machine, or Debian's Chromium, installed. It has a new, empty profile. */
export async function openBrowser(): Promise<Browser> {
  if (process.platform !== 'linux') return chromium.launch({ channel: 'chrome', args: FLAGS })
  let executablePath = PROGRAMS.find((file) => existsSync(file))
  if (!executablePath) {
    await requirePrograms({ chromium: 'chromium' })
    executablePath = '/usr/bin/chromium'
  }
  return chromium.launch({ executablePath, args: FLAGS, chromiumSandbox: false })
}
