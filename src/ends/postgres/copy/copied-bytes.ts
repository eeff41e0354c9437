/** Bytes of rows that this process has sent to databases by COPY, since it began: for metrics. */

let sent = 0

export function countBytes(bytes: number): void {
  sent += bytes
}

export function bytesCopied(): number {
  return sent
}
