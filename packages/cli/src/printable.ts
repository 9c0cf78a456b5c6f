// Control characters of both sets, line and paragraph separators, and marks that change the direction of text.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * Text that a terminal shows as one line and does not obey: other characters are escaped. Text from the network goes
 * through here before it is printed.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (mark) => `\\u{${mark.charCodeAt(0).toString(16)}}`)
}

/** The same for text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
