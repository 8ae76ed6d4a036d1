"""Sphinx's settings for the site: read anywhere, opened from a folder, nothing from elsewhere.

``tests.site`` sets the variables of the environment that are read here.
"""

import json
import os
from pathlib import Path

from labkit.text import N_, _

HERE = Path(__file__).parent
languages = json.loads(os.environ.get("LABKIT_EDITIONS", '{"en": "English"}'))
language = os.environ.get("LABKIT_LANGUAGE") or "en"

project = html_title = str(_("From tensors to the GPU"))
author = copyright = ""
extensions = ["myst_nb"]
myst_enable_extensions = []  # no formulas: the text writes them as it speaks
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "sphinx_book_theme"
html_theme_options = {
    "use_download_button": False,  # the notebook as it is in the series, linked by each page
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "navbar_start": [],
    "navbar_center": [],
    "navbar_end": [],
    "navbar_persistent": [],
    "toc_title": str(_("On this page")),
    "search_bar_text": str(_("Search")),
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_static_path = [str(HERE / "static"), os.environ.get("LABKIT_SITE_STATIC", "")]
html_static_path = [path for path in html_static_path if path]
templates_path = [str(HERE / "templates")]
html_css_files = ["explorers.css", "site.css"]
html_js_files = ["host.js", "network.js"]
html_sidebars = {"**": ["home.html", "search-button-field.html", "sbt-sidebar-nav.html"]}
html_context = {"editions": languages, "edition": language, "default_mode": "auto"}
html_extra_path = [os.environ["LABKIT_SITE_EXTRA"]] if "LABKIT_SITE_EXTRA" in os.environ else []
html_copy_source = html_show_sourcelink = html_show_sphinx = html_show_copyright = False
html_show_search_summary = False  # a page opened from a folder may not fetch another
html_use_index = False

THEME = (
    *(N_("Home"), N_("Language"), N_("Back to top"), N_("Skip to main content")),
    *(N_("next page"), N_("previous page"), N_("Link to this heading"), N_("Breadcrumb")),
    *(N_("Color mode"), N_("Light"), N_("Dark"), N_("System Settings")),
    *(N_("Version warning"), N_("Expand Sidebar"), N_("Collapse Sidebar")),
)
"""What Sphinx and its theme say, and do not say in all of our languages."""


def setup(app):
    """Let Sphinx look into labkit's catalogue, too."""
    app.add_message_catalog("sphinx", os.environ.get("LABKIT_SITE_LOCALES", ""))
