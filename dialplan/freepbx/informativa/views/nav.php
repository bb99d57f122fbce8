<?php
// License: GPL-3.0-or-later, see LICENSE.
?>
<div class="list-group"><a class="list-group-item" href="?display=informativa"><i class="fa fa-list"></i> <?php echo _('Privacy notice') ?></a></div>
