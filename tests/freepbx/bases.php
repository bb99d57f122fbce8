<?php
/** What FreePBX's backup and scheduler have the module's classes rest on, written anew from their interface. */
namespace Symfony\Component\Console\Input {
    interface InputInterface
    {
    }

    class Given implements InputInterface
    {
    }
}

namespace Symfony\Component\Console\Output {
    interface OutputInterface
    {
    }

    class Printed implements OutputInterface
    {
    }
}

namespace FreePBX\Job {
    interface TaskInterface
    {
        public static function run(
            \Symfony\Component\Console\Input\InputInterface $input,
            \Symfony\Component\Console\Output\OutputInterface $output
        );
    }
}

namespace FreePBX\modules\Backup {
    /** A backup's file, in memory. */
    class BackupBase
    {
        public $FreePBX;
        public static $configs;
        public static $dependencies = [];

        public function __construct($freepbx)
        {
            $this->FreePBX = $freepbx;
        }

        public function addConfigs($configs)
        {
            self::$configs = json_encode($configs);
        }

        public function addDependency($module)
        {
            self::$dependencies[] = $module;
        }
    }

    class RestoreBase extends BackupBase
    {
        public function getConfigs()
        {
            return json_decode(self::$configs, true);
        }
    }
}
