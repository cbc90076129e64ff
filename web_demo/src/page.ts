import { CompareTab } from "./compare";
import { find } from "./elements";
import { Engine } from "./engine";
import { GalleryTab } from "./gallery";
import { receivePictures } from "./intake";
import { keepForOffline } from "./keeping";
import { LiveTab } from "./live";
import { readPalettes } from "./palettes";
import { findParts } from "./parts";
import { SingleTab } from "./single";
import { Tabs } from "./tabs";

/** The start: what all tabs need, and the tabs. */
await keepForOffline();
const { worker, sources, readExample } = await findParts();
const desk = { engine: new Engine(worker, sources), palettes: await readPalettes(), readExample };
const tabs = new Tabs(find("tabs"), find("status"), desk);
tabs.add(find("single"), (desk) => new SingleTab(desk));
tabs.add(find("compare"), (desk) => new CompareTab(desk));
tabs.add(find("several"), (desk) => new GalleryTab(desk));
tabs.add(find("live"), (desk) => new LiveTab(desk));
tabs.openFirst();
receivePictures(
  (files, at) => tabs.take(files, at),
  (text) => tabs.warn(text),
);
