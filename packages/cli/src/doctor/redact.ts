/** Keeps secrets out of a text. */
export interface Redactor {
  /** Never shows this text again. */
  add(secret: string | undefined): void
  redact(text: string): string
}

const SHORTEST = 8

/** Makes the last gate before anything is printed: whatever was said to be a secret, and what looks like one. */
export function createRedactor(): Redactor {
  const secrets = new Set<string>()
  return {
    add(secret) {
      if (secret === undefined || secret.length < SHORTEST) return
      secrets.add(secret)
      secrets.add(encodeURIComponent(secret))
    },
    redact(text) {
      let clean = text
      for (const secret of secrets) clean = clean.replaceAll(secret, '[redacted]')
      return clean.replace(/(X-Amz-(?:Signature|Security-Token)=)[^&\s"']+/g, '$1[redacted]')
    },
  }
}
