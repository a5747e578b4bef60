"""Configuration of the documentation: `make docs` builds it in `build/site`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import ntm_envs

project = "ntm-envs"
author = copyright = "The ntm-envs authors"
version = release = ntm_envs.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "generate",
]
exclude_patterns = ["reproduction/*"]
myst_enable_extensions = ["dollarmath", "html_image"]
myst_heading_anchors = 3
default_role = "py:obj"
highlight_language = "none"  # of blocks without a language, such as diagrams
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_use_ivar = True
suppress_warnings = ["ref.python"]  # several modules have a State
viewcode_follow_imported_members = False
html_math_renderer = "mathml"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = f"ntm-envs {version}"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#00609a", "color-brand-content": "#00609a"},
    "dark_css_variables": {"color-brand-primary": "#74bdf0", "color-brand-content": "#74bdf0"},
}
