# The first cell in a hosted notebook (Colab, Kaggle): it installs, fetches, and goes there.
REPOSITORY = "https://..."  # the address of the workshop
LANGUAGE = "en"  # or es, pt_BR, fr, de: that of this notebook

import os  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402

if not os.path.isdir("labkit-workshop"):
    subprocess.run(["git", "clone", "--depth=1", REPOSITORY, "labkit-workshop"], check=True)
subprocess.run([sys.executable, "-m", "pip", "install", "-q", "./labkit-workshop"], check=True)
os.environ["LABKIT_LANGUAGE"] = LANGUAGE
os.chdir("labkit-workshop/notebooks")
try:  # Colab shows widgets of others only after this
    from google.colab import output  # ty: ignore[import-not-found]
except ImportError:
    pass
else:
    output.enable_custom_widget_manager()
