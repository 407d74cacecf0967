"""Opens a page of Streamlit's at the address, and presses its button."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.support.browser import open_page

TEXT = "document.body.innerText"
PRESS = "[...document.querySelectorAll('button')].find(b => b.innerText == 'Press')"


async def main(url, profile):
    async with open_page(f"{url}/", profile) as page:
        await page.wait_for(f"/Hello|Error/.test({TEXT})")
        if "Hello" not in (text := await page.evaluate(TEXT)):
            sys.exit(text)
        await page.wait_for("document.querySelector('input[type=file]')")  # the last of its parts
        print(await page.evaluate("document.querySelector('h1').innerText"))
        await page.evaluate(f"{PRESS}.click()")
        await page.wait_for(f"{TEXT}.includes('pressed by')")
        print(await page.evaluate(f"{TEXT}.match(/pressed by \\w+/)[0]"))


asyncio.run(main(sys.argv[1], Path("profile").absolute()))
