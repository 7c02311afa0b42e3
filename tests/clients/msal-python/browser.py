"""A browser without a screen: goes to an address, fills in the forms that it meets and sends them, until
it has been where the sign-in leads. Python and the libraries open it as they would open any other, by the
variable BROWSER.
"""

import html.parser
import os
import sys
import time
import urllib.parse

import requests


class Page(html.parser.HTMLParser):
    """A page with one form."""

    def __init__(self, response):
        super().__init__()
        self.address = response.url
        self.action = None
        self.fields = {}
        self.alert = None
        self._in_alert = False
        self.feed(response.text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self._in_alert = attributes.get("role") == "alert"
        if tag == "form":
            self.action = urllib.parse.urljoin(self.address, attributes["action"])
        elif tag == "input":
            self.fields[attributes["name"]] = attributes.get("value", "")

    def handle_data(self, data):
        if self._in_alert:
            self.alert = (self.alert or "") + data


def use_browser():
    """Makes this the browser of Python's own `webbrowser`, which reads the variable when it is first asked."""
    os.environ["BROWSER"] = f"{sys.executable} {__file__} %s &"


class Browser:
    """Somebody before it signs in with the name that the page begins with, or else with this one."""

    def __init__(self, name, password="hangar"):
        self.name = name
        self.password = password
        self.session = requests.Session()

    def open(self, address):
        """The page at this address."""
        response = self.session.get(address)
        return Page(response)

    def send(self, page, **filled):
        """What comes of sending the page's form with these fields filled in."""
        response = self.session.post(page.action, data={**page.fields, **filled})
        response.raise_for_status()
        return Page(response)

    def sign_in(self, address):
        """Signs in on the page there and goes where that leads: the last page."""
        return self.sign_in_on(self.open(address))

    def sign_in_on(self, page):
        """The same on a page that is open already."""
        name = page.fields.get("username") or self.name
        page = self.send(page, username=name, password=self.password, action="sign-in")
        # Without scripts a person presses the button that leads back to the program.
        return self.send(page) if "code" in page.fields else page

    def enter_code(self, address, code):
        """Signs in for the device that shows this code."""
        return self.sign_in_on(self.send(self.open(address), user_code=code))


if __name__ == "__main__":
    # Libraries may open the browser a moment before they listen.
    for attempt in range(50):
        try:
            Browser("administrator@contoso.example").sign_in(sys.argv[1])
            break
        except requests.ConnectionError:
            time.sleep(0.1)
    else:
        sys.exit("nobody listens where the sign-in leads")
