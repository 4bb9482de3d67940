/** The dashboard file that the reader opened, kept in this tab alone so that a reload shows it again. */

import { router } from "../state/router.svelte";

export const OPEN_PATH = "/open";

/** As much as the server reads. */
const MOST_BYTES = 4 * 1024 * 1024;
const KEY = "accelerapp-dashboard-file";

interface OpenedFile {
  name: string;
  text: string;
}

class Opened {
  file = $state.raw<OpenedFile | null>(stored());
  /** Why the last one could not be taken; "" where it could. */
  problem = $state("");
}

export const opened = new Opened();

function stored(): OpenedFile | null {
  try {
    const text = sessionStorage.getItem(KEY);
    return text === null ? null : (JSON.parse(text) as OpenedFile);
  } catch {
    return null;
  }
}

/** Takes a file that the reader chose or dropped, and goes where it is shown. */
export async function openFile(file: File): Promise<void> {
  if (file.size > MOST_BYTES) {
    opened.problem = `${file.name} is larger than 4 MiB, which no dashboard is.`;
    opened.file = null;
  } else {
    opened.problem = "";
    opened.file = { name: file.name, text: await file.text() };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(opened.file));
    } catch {
      // Too large for the tab's storage: it is shown until the page is left.
      sessionStorage.removeItem(KEY);
    }
  }
  router.go(OPEN_PATH);
}
