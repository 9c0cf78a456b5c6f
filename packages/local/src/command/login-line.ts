import type { LoginEvent } from '../audit'
import type { Format } from './arguments'

/** A login as a line of the command's output. */
export function loginLine(login: LoginEvent, format: Format): string {
  if (format === 'json') return `${JSON.stringify(login)}\n`
  const { time, user, accessKeyId = '-', verdict, reason, detail } = login
  const parts = [time.toISOString(), user, accessKeyId, verdict, reason, detail && `(${detail})`]
  return `${parts
    .filter((part) => part !== undefined)
    .map(printable)
    .join(' ')}\n`
}

/** Escapes control characters and line breaks: clients choose some of these texts. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u{${code.toString(16)}}`
  })
}
