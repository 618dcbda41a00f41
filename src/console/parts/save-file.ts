// Hands a file to the browser to be saved.

export function saveFile(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // After the browser has begun reading it.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
